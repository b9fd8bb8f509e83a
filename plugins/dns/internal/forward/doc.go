// Package forward passes DNS queries on to a server, unless a rule says otherwise.
package forward
