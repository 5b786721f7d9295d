# Writes a line with the program's name.
log() {
    echo "$(basename "$0"): $*"
}

basename() {
    echo "${1##*/}"
}
