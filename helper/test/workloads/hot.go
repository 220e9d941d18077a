// CPU work of known shares in Go: 60 % main.workSixty, 30 % main.workThirty, 10 % main.workTen, on one goroutine.
// Called by the root tests: hot-go [SECONDS]   (default 600; ends earlier on SIGTERM)
package main

import (
	"fmt"
	"os"
	"strconv"
	"time"
)

const round = 20000

//go:noinline
func workSixty(x uint64) uint64 {
	for i := uint64(0); i < 6*round; i++ {
		x = x*6364136223846793005 + i
	}
	return x
}

//go:noinline
func workThirty(x uint64) uint64 {
	for i := uint64(0); i < 3*round; i++ {
		x = x*2862933555777941757 + i
	}
	return x
}

//go:noinline
func workTen(x uint64) uint64 {
	for i := uint64(0); i < round; i++ {
		x = x*3935559000370003845 + i
	}
	return x
}

//go:noinline
func oneRound(x uint64) uint64 {
	x = workSixty(x)
	x = workThirty(x)
	return workTen(x)
}

func main() {
	seconds := 600.0
	if len(os.Args) > 1 {
		if s, err := strconv.ParseFloat(os.Args[1], 64); err == nil {
			seconds = s
		}
	}
	end := time.Now().Add(time.Duration(seconds * float64(time.Second)))
	fmt.Println("ready")
	x := uint64(1)
	for time.Now().Before(end) {
		x = oneRound(x)
	}
	os.Exit(int(x & 0))
}
