// Go functions with frames of several sizes, closures, defers and goroutines. Built by unwindTable.test.ts; never run.
// Without imports: only the runtime has to be built beside it.
package main

//go:noinline
func leaf(x int) int { return x*3 + 1 }

//go:noinline
func large(x int) byte {
	var memory [100000]byte
	for i := range memory {
		memory[i] = byte(x + i)
	}
	return memory[leaf(x)%len(memory)]
}

//go:noinline
func each(words []string, visit func(string)) {
	for _, word := range words {
		visit(word)
	}
}

//go:noinline
func deferred(words []string) (count int) {
	defer func() {
		if recover() != nil {
			count = -1
		}
	}()
	each(words, func(word string) { count += len(word) })
	return count + len(words[count]) + int(large(len(words)))
}

func main() {
	results := make(chan int)
	texts := []string{"one", "three", "seven"}
	for i := range texts {
		go func() { results <- deferred(texts[i:]) }()
	}
	sum := 0
	for range texts {
		sum += <-results
	}
	println(sum)
}
