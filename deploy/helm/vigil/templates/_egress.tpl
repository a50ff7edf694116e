{{/* The rules of a policy that follow from a VIGIL_EGRESS, one for each of its entries. values.schema.json says what an entry is. */}}
{{- define "vigil.egress" -}}
{{- range splitList ";" . }}
{{- $entry := trim . }}
{{- $where := $entry }}
{{- $ports := "" }}
{{- if hasPrefix "[" $entry }}
{{- $where = regexFind "^[^]]+" $entry | trimPrefix "[" }}
{{- $ports = regexFind "].*$" $entry | trimPrefix "]" | trimPrefix ":" }}
{{- else if eq (len (splitList ":" $entry)) 2 }}
{{- $where = first (splitList ":" $entry) }}
{{- $ports = last (splitList ":" $entry) }}
{{- end }}
{{- if and (eq $where "private") (not $ports) }}
- {}
{{- else if eq $where "private" }}
- ports: {{- include "vigil.ports" $ports | trim | nindent 4 }}
{{- else }}
- to:
    {{- if eq $where "public" }}
    {{- include "vigil.public" . | nindent 4 }}
    {{- else }}
    - ipBlock: {cidr: "{{ $where }}{{ if not (contains "/" $where) }}{{ ternary "/128" "/32" (contains ":" $where) }}{{ end }}"}
    {{- end }}
  {{- with $ports }}
  ports: {{- include "vigil.ports" . | trim | nindent 4 }}
  {{- end }}
{{- end }}
{{- end }}
{{- end -}}

{{- define "vigil.ports" -}}
{{- range splitList "," . }}
{{- $first := first (splitList "-" .) }}
{{- $last := last (splitList "-" .) }}
{{- range list "TCP" "UDP" }}
- {port: {{ $first }}, {{ if ne $first $last }}endPort: {{ $last }}, {{ end }}protocol: {{ . }}}
{{- end }}
{{- end }}
{{- end -}}
