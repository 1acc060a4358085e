# A key as a USB device, attached by the kernel's vhci-hcd.
. "$(dirname "$0")/common.sh"

# Sixteen buses take an emulated processor a while, so they are not there from the beginning; and
# without udev nobody else loads the driver.
modprobe -a vhci-hcd usbhid

mkfifo control
mfalab key plug "$keys/usb/usb.key" --usbip --touch yes <> control > plug.log 2>&1 &
for _ in $(seq 1200); do
    grep -q '^plugged in' plug.log && break
    sleep 0.1
done
cat plug.log

usb_node() { # the device of the attached key, if it is there
    local where
    where=$(grep -l '^HID_PHYS=usb-vhci_hcd' /sys/class/hidraw/*/device/uevent 2> /dev/null) || return 0
    where=${where%/device/uevent}
    echo "/dev/${where##*/}"
}

attached() {
    usbip list -r 127.0.0.1
    usbip attach -r 127.0.0.1 -b 1-1
    for _ in $(seq 300); do
        [ -n "$(usb_node)" ] && break
        sleep 0.2
    done
    lsusb -d 1209:
    fido2-token -I "$(usb_node)" | grep FIDO_2_1
}

pulled() {
    echo unplug > control
    for _ in $(seq 300); do
        [ -z "$(usb_node)" ] && break
        sleep 0.2
    done
    [ -z "$(usb_node)" ]
    refused lsusb -d 1209:
}

proves "lsusb shows the key, and fido2-token talks to it" attached
proves "a key that is pulled out has left the bus" pulled
