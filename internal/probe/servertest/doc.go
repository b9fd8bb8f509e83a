// Package servertest starts real database servers for the tests of probes and ledgers.
package servertest
