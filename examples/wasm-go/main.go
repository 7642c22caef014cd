// A WASI command in Go: the event comes on standard input, what is printed is the result, standard error is the log.
package main

import (
	"encoding/json"
	"fmt"
	"log"
	"os"
	"strings"
)

type event struct {
	Text string `json:"text"`
}

func main() {
	log.SetFlags(0)
	var in event
	if err := json.NewDecoder(os.Stdin).Decode(&in); err != nil {
		log.Fatalf("the event is no JSON: %v", err)
	}
	counts := map[string]int{}
	for _, word := range strings.Fields(in.Text) {
		counts[strings.ToLower(word)]++
	}
	log.Printf("counted %d words", len(counts))
	if err := json.NewEncoder(os.Stdout).Encode(counts); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
