#!/bin/bash
# tests/flow/rpm_unpack_agree.sh with every package.
RPM_AGREE_EVERY=1 exec "$(dirname "$0")/../flow/rpm_unpack_agree.sh"
