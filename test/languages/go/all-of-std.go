// Uses what programs in Go use of WASI. Each line of the result is one check that failed; `[]` is all well.
package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"sync"
	"time"
)

func main() {
	failed := []string{}
	check := func(good bool, what string, said ...any) {
		if !good {
			failed = append(failed, fmt.Sprint(what, said))
		}
	}
	event, err := io.ReadAll(os.Stdin)
	check(err == nil && string(event) == "{}", "the event", event, err)
	folder, err := os.Getwd()
	check(err == nil && folder == "/var/task", "the working directory", folder, err)
	text, err := os.ReadFile("data/text.txt")
	check(string(text) == "of the bundle\n", "a file in it", text, err)
	err = os.WriteFile("/var/task/new", nil, 0o644)
	check(err != nil, "a bundle that is read-only")

	check(os.MkdirAll("/tmp/go/deep", 0o755) == nil, "folders")
	check(os.WriteFile("/tmp/go/deep/a", []byte("hello"), 0o644) == nil, "a file")
	about, err := os.Stat("/tmp/go/deep/a")
	check(err == nil && about.Size() == 5 && time.Since(about.ModTime()).Abs() < time.Minute, "its time", about, err)
	old := time.Unix(1_000_000, 7)
	err = os.Chtimes("/tmp/go/deep/a", old, old)
	about, _ = os.Stat("/tmp/go/deep/a")
	check(err == nil && about.ModTime().Equal(old), "a time that is set", about.ModTime(), err)
	walked := 0
	err = filepath.WalkDir("/tmp/go", func(_ string, _ fs.DirEntry, err error) error {
		walked++
		return err
	})
	check(err == nil && walked == 3, "a walk", walked, err)
	temporary, err := os.CreateTemp("", "x-*")
	check(err == nil, "a temporary file", err)
	check(os.Remove(temporary.Name()) == nil && os.RemoveAll("/tmp/go") == nil, "removing all")
	_, err = os.Open("/tmp/go")
	check(errors.Is(err, fs.ErrNotExist), "what is not there", err)
	_, err = net.Dial("tcp", "127.0.0.1:1")
	check(err != nil, "no sockets")

	var all sync.WaitGroup
	var lock sync.Mutex
	ran := 0
	for index := 0; index < 100; index++ {
		all.Add(1)
		go func() {
			defer all.Done()
			time.Sleep(time.Millisecond)
			lock.Lock()
			defer lock.Unlock()
			ran++
		}()
	}
	all.Wait()
	check(ran == 100, "goroutines", ran)
	if err := json.NewEncoder(os.Stdout).Encode(failed); err != nil {
		os.Exit(1)
	}
}
