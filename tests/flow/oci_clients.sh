# Sourced after lib.sh: podman with a storage of its own, as it runs on the test machines.
runtime=$(command -v runc)
clients_can() { [ "$(id -u)" = 0 ] && [ -n "$runtime" ] && command -v podman >/dev/null; }
run_podman() { podman --root "$work/podman" --runroot "$work/podman-run" --storage-driver vfs --cgroup-manager cgroupfs "$@"; }
run_image() { # [-i] IMAGE COMMAND...
    run_podman run --rm --runtime "$runtime" --ulimit nofile=20000:20000 --ulimit nproc=1000:1000 --network none "$@"
}
clients_gone() { mount | grep -o "$work/podman[^ ]*" | xargs -r umount 2>/dev/null; }
cleanup_hooks="$cleanup_hooks clients_gone"
