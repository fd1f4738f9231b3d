// attack: all processors, for ever
// stopped by: the processor quota, then the deadline
// expect: timeout
// timeout: 5
// within: 30
package main

func main() {
	for i := 0; i < 64; i++ {
		go func() {
			for {
			}
		}()
	}
	select {}
}
