# Starts the emulator on loopback and deploys infra/template.yaml to it; to be sourced. What it
# starts ends with the script, by its id.

root=$(cd ../.. && pwd)
work=$(mktemp -d)
started=()
finish() {
  local status=$? id
  for id in "${started[@]}"; do
    kill "$id" 2>/dev/null || true
    wait "$id" 2>/dev/null || true
  done
  if [ "$status" -ne 0 ] && [ -e "$work/emulator.log" ]; then
    grep -v ' INFO ' "$work/emulator.log" | tail -n 60
  fi
  rm -rf "$work"
}
trap finish EXIT

free_port() {
  python -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

# All of the workspace, as everywhere: a part of it would be built with other features. Debug
# builds, stripped: the code is what runs elsewhere, in a tenth of the time.
build_functions() {
  local target function
  (cd "$root" && cargo build --workspace)
  target=$(cd "$root" && cargo metadata --no-deps --format-version 1 |
    python -c 'import json, sys; print(json.load(sys.stdin)["target_directory"])')
  for function in "$root"/functions/*/; do
    function=$(basename "$function")
    mkdir -p "$work/dist/$function"
    strip -o "$work/dist/$function/bootstrap" "$target/debug/$function"
  done
}

# Sets `endpoint`. The functions inherit the emulator's environment, so this is also where it is
# said which endpoint they call.
start_emulator() { # port, endpoint of the functions
  endpoint=http://127.0.0.1:$1
  env AWS_DEFAULT_REGION=us-east-1 BIND_HOST=127.0.0.1 GATEWAY_PORT="$1" AWS_ENDPOINT_URL="$2" \
    python emulator.py >"$work/emulator.log" 2>&1 &
  started+=($!)
  for _ in $(seq 300); do
    curl --silent --fail "$endpoint/_ministack/ready" >/dev/null && return
    kill -0 "${started[-1]}"
    sleep 0.2
  done
  return 1
}

# Sets `outputs`, LEADS_URL and LEADS_ADMIN_KEY.
deploy_stack() { # name
  local hash
  LEADS_ADMIN_KEY=$(python -c 'import secrets; print(secrets.token_hex(16))')
  hash=$(printf %s "$LEADS_ADMIN_KEY" | sha256sum | cut -d' ' -f1)
  AWS_ENDPOINT_URL=$endpoint python stack.py up "$work/dist" "$1" \
    "Architecture=$(uname -m | sed s/aarch64/arm64/)" DataDeletionPolicy=Delete OperatorKeySha256="$hash" >"$work/outputs"
  mapfile -t outputs <"$work/outputs"
  LEADS_URL="$endpoint/_aws/execute-api/$(sed -n 's/^ApiId=//p' "$work/outputs")/\$default"
  export LEADS_URL LEADS_ADMIN_KEY
}
