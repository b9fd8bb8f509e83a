// Command serve runs the fake of AWS as a process of its own, with a small shop in it, for tests that kill and start
// processes. It prints one line of JSON about what is there, and ends when its standard input does.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/gameday-toolkit/gameday/plugins/aws/internal/awsfake"
)

func main() {
	if err := serve(); err != nil {
		panic(err)
	}
}

func serve() error {
	s := awsfake.New()
	defer s.Close()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	there, err := furnish(ctx, s.URL)
	if err != nil {
		return fmt.Errorf("furnishing the account: %w", err)
	}
	s.GlobalDatabase("orders-of-all", region, otherRegion)
	there["global_cluster"] = "orders-of-all"
	if err := json.NewEncoder(os.Stdout).Encode(there); err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, os.Stdin)
	return err
}
