{{/* An image by its digest, else by its tag. Called with an entry of `images`. */}}
{{- define "vigil.image" -}}
{{- if .digest }}{{ .repository }}@{{ .digest }}{{ else }}{{ .repository }}:{{ .tag }}{{ end -}}
{{- end -}}

{{/* Labels by which pods of a component are found. Called with dict "root" "component". */}}
{{- define "vigil.selector" -}}
app.kubernetes.io/name: vigil
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .component }}
{{- end -}}

{{- define "vigil.labels" -}}
{{ include "vigil.selector" . }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ .root.Chart.Name }}-{{ .root.Chart.Version }}
{{- end -}}

{{/* What every pod of Vigil has, whatever runs in it. */}}
{{- define "vigil.pod" -}}
automountServiceAccountToken: false
enableServiceLinks: false
terminationGracePeriodSeconds: 30
{{- with .root.Values.images.pullSecrets }}
imagePullSecrets:
  {{- range . }}
  - name: {{ . | quote }}
  {{- end }}
{{- end }}
securityContext:
  runAsNonRoot: true
  runAsUser: 10001
  runAsGroup: 10001
  fsGroup: 10001
  seccompProfile: {type: RuntimeDefault}
{{- end -}}

{{- define "vigil.container" -}}
imagePullPolicy: {{ .root.Values.images.pullPolicy }}
resources: {{ toYaml .root.Values.resources | nindent 2 }}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities: {drop: [ALL]}
{{- end -}}

{{/* A process makes this file when it is ready and renews it every 2 s: one that hangs or was stopped does not. */}}
{{- define "vigil.probes" -}}
startupProbe:
  exec: {command: [test, -e, /tmp/alive]}
  periodSeconds: 2
  failureThreshold: 450
livenessProbe:
  exec: {command: [sh, -c, 'test -n "$(find /tmp/alive -mmin -0.5)"']}
  periodSeconds: 10
  timeoutSeconds: 5
  failureThreshold: 2
{{- end -}}
