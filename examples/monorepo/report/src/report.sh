#!/bin/sh
. /usr/lib/common/log.sh
log "the site's page has $(wc -l < /data/srv/www/index.html) lines"
