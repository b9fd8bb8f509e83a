// Package probe paces an open-loop client and asks one question per sample.
package probe
