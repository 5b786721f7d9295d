#!/bin/sh
. /usr/lib/common/log.sh
log "${GREETING:-hi} from app, $# arguments"
