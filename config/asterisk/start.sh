#!/bin/sh
# Writes what only this host knows (the address that phones see, the services' network, the manager's secret) and becomes
# Asterisk. Nothing secret is on the command line, in the image or, after this, in Asterisk's environment.
set -eu

missing() {
    echo "$1" >&2
    exit 2
}

if [ -z "${CALLCENTER_AMI_SECRET:-}" ] && [ -n "${CALLCENTER_AMI_SECRET_FILE:-}" ]; then
    CALLCENTER_AMI_SECRET=$(cat "$CALLCENTER_AMI_SECRET_FILE") || missing "CALLCENTER_AMI_SECRET_FILE: $CALLCENTER_AMI_SECRET_FILE cannot be read"
fi
[ -n "${CALLCENTER_AMI_SECRET:-}" ] || missing "CALLCENTER_AMI_SECRET is not set: make one, for example with: openssl rand -hex 24"
[ -n "${PBX_ADDRESS:-}" ] || missing "PBX_ADDRESS is not set: the address of this host at which phones and trunk reach it"
[ -n "${PBX_SUBNET:-}" ] || missing "PBX_SUBNET is not set: the network of the services"
case "${PBX_NAME:-}" in
    "" | *[!A-Za-z0-9_-]*) missing "PBX_NAME is not set, or has other than letters, digits, - and _: it is this PBX's name in every call's key" ;;
esac
case "$CALLCENTER_AMI_SECRET" in
    *[!A-Za-z0-9_-]*) missing "CALLCENTER_AMI_SECRET: letters, digits, - and _ only: anything else may mean something in manager.conf" ;;
esac

run=${PBX_RUN:-/run/asterisk}
umask 077
cat > "$run/manager.conf" <<END
[callcenter](+)
secret = $CALLCENTER_AMI_SECRET
permit = $PBX_SUBNET
END
cat > "$run/transport.conf" <<END
[transport-udp]
type = transport
protocol = udp
bind = 0.0.0.0:5060
external_signaling_address = $PBX_ADDRESS
external_media_address = $PBX_ADDRESS
local_net = $PBX_SUBNET
END
cat > "$run/name.conf" <<END
systemname = $PBX_NAME
END
# The services read CEL and recordings as another user.
umask 022
unset CALLCENTER_AMI_SECRET
exec "$@"
