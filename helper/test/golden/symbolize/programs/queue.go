// Go with methods, closures, generics, inlining and goroutines.
package main

import (
	"fmt"
	"sort"
	"strings"
	"sync"
)

type job struct {
	id   int
	text string
}

type queue[T any] struct {
	mu    sync.Mutex
	items []T
}

func (q *queue[T]) push(item T) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.items = append(q.items, item)
}

func weight(j job) int { return len(j.text)*3 + j.id }

//go:noinline
func work(j job) string {
	words := strings.Fields(j.text)
	sort.Slice(words, func(a, b int) bool { return words[a] < words[b] })
	return fmt.Sprintf("%d:%s:%d", j.id, strings.Join(words, ","), weight(j))
}

func main() {
	var q queue[string]
	var wait sync.WaitGroup
	for i := 0; i < 4; i++ {
		wait.Add(1)
		go func() {
			defer wait.Done()
			q.push(work(job{i, "the quick brown fox"}))
		}()
	}
	wait.Wait()
	sort.Strings(q.items)
	fmt.Println(q.items)
}
