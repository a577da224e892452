#!/bin/sh
# The headwater beside this, with fewer open files than it would like, and no way to get more.
ulimit -n 500 && exec "$(dirname "$0")/headwater" "$@"
