# Read by ./run and ./test: sets PYTHON to one that is new enough, or ends with an error.
new_enough() {
    "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1
}

if [ -n "${PYTHON:-}" ]; then
    if ! new_enough "$PYTHON"; then
        echo "error: PYTHON=$PYTHON is not a Python 3.11 or newer" >&2
        exit 1
    fi
else
    for candidate in python3 python3.13 python3.12 python3.11 python3.14 python; do
        if new_enough "$candidate"; then
            PYTHON=$candidate
            break
        fi
    done
    if [ -z "${PYTHON:-}" ]; then
        echo "error: no Python 3.11 or newer was found; set PYTHON to one" >&2
        exit 1
    fi
fi
