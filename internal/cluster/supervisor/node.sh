# Makes the inside of a node and holds it. Arguments: the cgroup's list of members, the node's directory, what holds.
#
# The node has a /run and a /var/log of its own, and what kubelets and container networks keep below /var/lib, so that no
# other node sees it; all these mounts end with their namespace. It is slave to the machine's, and shared among its pods.
set -eu
echo $$ >"$1"
node=$2
mount --make-rshared /

# The kubelet sets these for the whole machine. It gets files of its own to write to.
for name in vm/overcommit_memory vm/panic_on_oom kernel/panic kernel/panic_on_oops kernel/keys/root_maxkeys kernel/keys/root_maxbytes; do
	mkdir -p "$node/sysctl/${name%/*}"
	cat "/proc/sys/$name" >"$node/sysctl/$name"
	mount --bind "$node/sysctl/$name" "/proc/sys/$name"
done

mkdir -p "$node/log/pods" "$node/cni" "$node/kubelet" "$node/run/lock" "$node/run/netns" /var/lib/cni /var/lib/kubelet
mount --bind "$node/log" /var/log
mount --bind "$node/cni" /var/lib/cni
mount --bind "$node/kubelet" /var/lib/kubelet
mount --bind "$node/run" /run
touch /run/node/held
exec "$3"
