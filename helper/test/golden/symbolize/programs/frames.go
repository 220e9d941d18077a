// Prints stacks and single addresses of itself with what Go's runtime says they are: the oracle of goInlines.test.ts.
// Builds with Go 1.12 and later.
package main

import (
	"bufio"
	"fmt"
	"io/ioutil"
	"os"
	"runtime"
	"sort"
	"strings"
)

var out = bufio.NewWriter(os.Stdout)

// One line a stack: pc|function|file|line, separated by tabs; as logical frames, innermost first.
func report() {
	pcs := make([]uintptr, 64)
	pcs = pcs[:runtime.Callers(2, pcs)]
	parts := make([]string, 0, len(pcs))
	frames := runtime.CallersFrames(pcs)
	for i := range pcs {
		frame, more := frames.Next()
		parts = append(parts, fmt.Sprintf("%x|%s|%s|%d", pcs[i], frame.Function, frame.File, frame.Line))
		if !more {
			break
		}
	}
	fmt.Fprintf(out, "stack\t%s\n", strings.Join(parts, "\t"))
}

func deepest(n int) int { report(); return n + 1 }
func deeper(n int) int  { return deepest(n) * 2 }
func deep(n int) int {
	if n > 3 {
		return deeper(n) + deeper(n-1)
	}
	return deeper(n)
}

type shape interface{ area() int }
type square struct{ side int }

func (s square) area() int    { return s.grown(1) * s.side }
func (s *square) scale(n int) { s.side = s.grown(n) }
func (s square) grown(n int) int {
	report()
	return s.side + n
}

//go:noinline
func areas(shapes ...shape) (sum int) {
	for _, s := range shapes {
		sum += s.area()
	}
	return
}

//go:noinline
func sorted(words []string) {
	sort.Slice(words, func(a, b int) bool { return less(words[a], words[b]) })
}

func less(a, b string) bool { report(); return a < b }

func recovered() { recover(); report() }

//go:noinline
func panics() {
	defer recovered()
	panic("x")
}

// What the runtime says of addresses all over the program: pc|function|file|line of the innermost function.
func sweep() {
	maps, _ := ioutil.ReadFile("/proc/self/maps")
	for _, line := range strings.Split(string(maps), "\n") {
		fields := strings.Fields(line)
		if len(fields) < 6 || !strings.HasPrefix(fields[1], "r-xp") || fields[5] != os.Args[1] {
			continue
		}
		var start, end, offset uintptr
		fmt.Sscanf(fields[0], "%x-%x", &start, &end)
		fmt.Sscanf(fields[2], "%x", &offset)
		fmt.Fprintf(out, "map\t%x|%x|%x\n", start, end, offset)
		for pc := start + 1; pc < end; pc += 97 {
			frame, _ := runtime.CallersFrames([]uintptr{pc}).Next()
			if frame.Function != "" && frame.Entry != pc {
				fmt.Fprintf(out, "pc\t%x|%s|%s|%d\n", pc, frame.Function, frame.File, frame.Line)
			}
		}
	}
}

func main() {
	defer out.Flush()
	sum := deep(2) + deep(5)
	s := square{2}
	s.scale(3)
	sum += areas(s, &s)
	sorted([]string{"c", "b", "a"})
	panics()
	done := make(chan bool)
	go func() { sum += deeper(1); done <- true }()
	<-done
	strings.Map(func(r rune) rune { report(); return r }, "ab")
	sweep()
}
