// attack: the host's services, by its loopback: every port is tried, and spoken to
// stopped by: a loopback of the sandbox's own, where only its kernel listens
// expect: ok
// timeout: 30
// within: 60
package main

import (
	"fmt"
	"net"
	"strings"
	"time"
)

func main() {
	var open []string
	for port := 1; port < 65536; port++ {
		address := fmt.Sprintf("127.0.0.1:%d", port)
		if connection, err := net.DialTimeout("tcp", address, 200*time.Millisecond); err == nil {
			connection.Close()
			open = append(open, address)
		}
	}
	for _, address := range open {
		connection, err := net.Dial("tcp", address)
		if err != nil {
			continue
		}
		connection.SetDeadline(time.Now().Add(500 * time.Millisecond))
		fmt.Fprint(connection, "GET / HTTP/1.0\r\n\r\n")
		said := make([]byte, 10)
		count, _ := connection.Read(said)
		if text := string(said[:count]); strings.HasPrefix(text, "HTTP") || strings.HasPrefix(text, "SSH") {
			fmt.Println("ESCAPED:", address, "says", text)
		}
	}
	if len(open) > 6 {
		fmt.Println("ESCAPED: open ports", open)
	} else {
		fmt.Println("HELD: only the kernel's own ports:", len(open))
	}
}
