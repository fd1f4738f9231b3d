// attack: the same over IPv6: public, link-local and metadata addresses
// stopped by: no network interface but loopback
// expect: ok
package main

import (
	"fmt"
	"net"
	"time"
)

func main() {
	interfaces, _ := net.Interfaces()
	for _, it := range interfaces {
		if it.Name != "lo" {
			fmt.Println("ESCAPED: interface", it.Name)
		}
	}
	for _, host := range []string{"[2606:4700:4700::1111]", "[fd00:ec2::254]", "[fe80::1%lo]", "[fe80::1%eth0]", "[ff02::1%lo]", "[::ffff:1.1.1.1]"} {
		for _, network := range []string{"tcp", "udp"} {
			connection, err := net.DialTimeout(network, host+":53", time.Second)
			if err == nil && network == "udp" {
				if _, err = connection.Write([]byte("x")); err == nil {
					connection.SetReadDeadline(time.Now().Add(300 * time.Millisecond))
					_, err = connection.Read(make([]byte, 1))
				}
			}
			if err == nil {
				fmt.Println("ESCAPED:", network, host)
			} else {
				fmt.Println("HELD:", network, host, err)
			}
		}
	}
}
