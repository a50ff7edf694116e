"""Endpoint of enrolment: `POST /enrol` takes a single-use code and a worker's public keys."""

from __future__ import annotations

from ipaddress import ip_address

import msgspec
from django.http import HttpRequest, HttpResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.debug import sensitive_variables
from django.views.decorators.http import require_POST

from probes.enrolment.messages import (
    ENROLMENT_VERSION,
    REQUEST_BYTES_MOST,
    EnrolmentAnswer,
    EnrolmentRefusal,
    EnrolmentRequest,
    is_proven,
)
from probes.seal import is_sealing_key
from vigil.control_keys import control_keys
from vigil.enrolment.codes import WorkerKeys, take
from vigil.enrolment.core.codes import REFUSED, Attempt
from vigil.enrolment.redis_access import Management, authority, region_address

_STATUS = {Attempt.UNKNOWN: 404, Attempt.EXPIRED: 410, Attempt.USED: 409}


@csrf_exempt
@never_cache
@require_POST
@sensitive_variables()
def enrol(request: HttpRequest) -> HttpResponse:
    """Answer with what the worker of a region needs, or say why not. Off loopback only HTTPS is taken."""
    address = request.META.get("REMOTE_ADDR", "")
    is_here = _is_loopback(address) and not request.META.get("vigil.is_forwarded")
    if not request.is_secure() and not is_here:
        return _refuse(
            403, "This answer holds a password: use https. VIGIL_BASE_URL says what this installation speaks."
        )
    if len(request.body) > REQUEST_BYTES_MOST:
        return _refuse(413, "The request is too large.")
    try:
        asked = msgspec.json.decode(request.body, type=EnrolmentRequest)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return _refuse(400, "The request is no enrolment of this release: install the same release on both sides.")
    if asked.v != ENROLMENT_VERSION:
        return _refuse(400, "The worker is of another release: install the same release on both sides.")
    if not is_proven(asked):
        return _refuse(400, "The request is not signed with the key that it names: the code is as good as before.")
    if not is_sealing_key(asked.sealing_key):
        return _refuse(400, "Nothing can be sealed to the key that the request names: the code is as good as before.")
    taken = take(asked.code, WorkerKeys(asked.sealing_key, asked.signing_key), address)
    if taken.region is None:
        return _refuse(_STATUS[taken.attempt], REFUSED[taken.attempt])
    if taken.managed is Management.AWAY:
        # The same keys are answered again: the worker asks until its Redis user is there.
        return _refuse(503, "The primary of Redis does not answer, so the worker has no user there yet.")
    slug = taken.region.slug
    answer = EnrolmentAnswer(
        v=ENROLMENT_VERSION,
        region=slug,
        redis_url=region_address(slug, taken.password),
        redis_ca=authority(),
        control_keys=control_keys(),
        revision=taken.revision,
    )
    return HttpResponse(msgspec.json.encode(answer), content_type="application/json")


def _refuse(status: int, problem: str) -> HttpResponse:
    body = msgspec.json.encode(EnrolmentRefusal(problem))
    return HttpResponse(body, content_type="application/json", status=status)


def _is_loopback(address: str) -> bool:
    try:
        return ip_address(address).is_loopback
    except ValueError:
        return False
