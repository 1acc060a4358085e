# A key as a USB device, attached by the kernel's vhci-hcd.
. "$(dirname "$0")/common.sh"

# Sixteen buses take an emulated processor a while, so they are not there from the beginning; and
# without udev nobody else loads the driver.
modprobe -a vhci-hcd usbhid

mkfifo control
mfalab key plug "$keys/usb/usb.key" --usbip --touch yes <> control > plug.log 2>&1 &
wait_for grep -q '^plugged in' plug.log
cat plug.log

gone() {
    [ -z "$(node_at usb-vhci_hcd)" ]
}

attached() {
    usbip list -r 127.0.0.1
    usbip attach -r 127.0.0.1 -b 1-1
    device=$(wait_for node_at usb-vhci_hcd)
    lsusb -d 1209:
    fido2-token -I "$device" | grep FIDO_2_1
}

pulled() {
    echo unplug > control
    wait_for gone
    refused lsusb -d 1209:
}

proves "lsusb shows the key, and fido2-token talks to it" attached
proves "a key that is pulled out has left the bus" pulled
