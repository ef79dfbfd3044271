#!/bin/bash
# create debian/bookworm zone:NAME with LXC: it boots to a login, and the round of zone list|halt|boot|remove leaves nothing.
. "$(dirname "$0")/lib.sh"
. "$here/managed.sh"
managed_enter
managed_debian lxc
done_
