# The first process of the guest. Its only argument is a file of settings: assignments for sh.
#
# The root is the host's, below a layer in memory: what the guest writes anywhere but in a shared
# folder is gone when it ends. It is mounted with a cache, because emulated processors spend most
# of their time in uncached reads of small files. Only busybox is used until the command starts,
# since its applets cost no further files.
. "$1"
bb=${busybox:?}

$bb mount -t proc proc /proc
$bb mount -t tmpfs run /run
$bb mkdir /run/host /run/layer /run/root
nine=trans=virtio,version=9p2000.L,msize=512000
$bb mount -t 9p -o "ro,cache=loose,$nine" "virtme.initmount${root_share:?}" /run/host
$bb mount -t tmpfs -o mode=0755 layer /run/layer
$bb mkdir /run/layer/changes /run/layer/work
layers=lowerdir=/run/host,upperdir=/run/layer/changes,workdir=/run/layer/work
$bb mount -t overlay -o "xino=off,$layers" root /run/root

cd /run/root || exit
$bb mount -t proc proc proc
$bb mount -t sysfs sys sys
$bb mount -t devtmpfs -o mode=0755 dev dev
$bb mkdir -p dev/pts dev/shm
$bb mount -t devpts -o gid=5,mode=620,ptmxmode=666 devpts dev/pts
$bb mount -t tmpfs -o mode=1777 shm dev/shm
$bb ln -sf /proc/self/fd dev/fd
$bb ln -sf /proc/self/fd/0 dev/stdin
$bb ln -sf /proc/self/fd/1 dev/stdout
$bb ln -sf /proc/self/fd/2 dev/stderr
$bb mount -t tmpfs -o mode=0755 run run
$bb mkdir -p tmp
$bb chmod 1777 tmp
$bb mkdir run/before
$bb pivot_root . run/before
$bb umount -l /run/before
$bb rmdir /run/before

version=$($bb uname -r)
$bb mkdir -p /lib/modules
[ -e "/lib/modules/$version" ] || $bb ln -s "${modules:?}" "/lib/modules/$version"
$bb modprobe -a ${load:?}
$bb ip link set lo up
$bb hostname mfalab-guest

# $shares is a list of folders, one a line; the position of each is in its tag.
number=0
IFS='
'
for folder in ${shares:?}; do
    $bb mkdir -p "$folder"
    $bb mount -t 9p -o "$nine" "virtme.initmount$number" "$folder"
    number=$((number + 1))
done
unset IFS

export HOME=/run/home
$bb mkdir "$HOME"
if [ -n "$interactive" ]; then
    export TERM="$terminal"
    $bb stty rows "$rows" cols "$columns" < /dev/ttyS0
    $bb setsid $bb cttyhack /bin/sh "${command:?}" < /dev/ttyS0 > /dev/ttyS0 2>&1
else
    $bb setsid /bin/sh "${command:?}" < /dev/null > "${answers:?}/out" 2> "$answers/err"
    $bb echo $? > "$answers/code"
fi
$bb sync
$bb poweroff -f
