$rid = [guid]::NewGuid()
try { Invoke-RestMethod -Uri "URL/start?rid=$rid" -TimeoutSec 10 | Out-Null } catch { Write-Warning $_ }
$output = (& python embed.py 2>&1 | Out-String)
$code = $LASTEXITCODE
try {
    Invoke-RestMethod -Uri "URL/${code}?rid=$rid" -Method Post -Body $output -TimeoutSec 10 | Out-Null
} catch { Write-Warning $_ }
exit $code
