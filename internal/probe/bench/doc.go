// Package bench measures what a probe costs next to vegeta, both as processes of their own, in one run.
package bench
