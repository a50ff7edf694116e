rid=$(cat /proc/sys/kernel/random/uuid)
curl -fsS -m 10 --retry 5 --retry-connrefused -o /dev/null "URL/start?rid=$rid" || true
output=$(python embed.py 2>&1); code=$?
printf '%s' "$output" | tail -c 10000 |
    curl -fsS -m 10 --retry 5 --retry-connrefused -o /dev/null --data-binary @- "URL/$code?rid=$rid" || true
