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
	"syscall"
	"time"
)

func main() {
	var open []string
	for port := 1; port < 65536; port++ {
		address := fmt.Sprintf("127.0.0.1:%d", port)
		// By hand, since net's own is slow for so many; a loopback answers at once.
		socket, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM, 0)
		if err != nil {
			continue
		}
		there := &syscall.SockaddrInet4{Port: port, Addr: [4]byte{127, 0, 0, 1}}
		if syscall.Connect(socket, there) == nil {
			// A socket that was given the very port as its own has met itself.
			here, _ := syscall.Getsockname(socket)
			if own, is := here.(*syscall.SockaddrInet4); !is || own.Port != port {
				open = append(open, address)
			}
		}
		syscall.Close(socket)
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
