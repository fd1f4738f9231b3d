# attack: the host's disk, by reading the image past the page cache
# stopped by: the deadline; the processor quota
# expect: timeout
# timeout: 6
# within: 30
while :; do
    find /usr /opt -xdev -type f -size +100k -exec dd if={} of=/dev/null bs=1M iflag=direct status=none \; 2>/dev/null
done
