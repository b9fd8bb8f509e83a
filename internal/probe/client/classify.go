package client

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"syscall"

	"github.com/gameday-toolkit/gameday/internal/sample"
)

// Classify says what kind of failure an error of a connection is. NoSlot is one of this machine, which says nothing about
// the target: no file descriptor, port or memory was left to ask with.
func Classify(err error) sample.Class {
	var ours *DNSError
	var theirs *net.DNSError
	switch {
	case err == nil:
		return sample.NoClass
	case isOurs(err):
		return sample.NoSlot
	case errors.As(err, &ours), errors.As(err, &theirs):
		return sample.DNS
	case IsTimeout(err):
		return sample.Timeout
	case errors.Is(err, syscall.ECONNREFUSED):
		return sample.Refused
	case isTLS(err):
		return sample.TLS
	case isReset(err):
		return sample.Reset
	default:
		return sample.Other
	}
}

func isOurs(err error) bool {
	for _, target := range []error{syscall.EMFILE, syscall.ENFILE, syscall.EADDRNOTAVAIL, syscall.ENOBUFS, syscall.ENOMEM} {
		if errors.Is(err, target) {
			return true
		}
	}
	return false
}

// IsTimeout says whether time ran out, whoever measured it.
func IsTimeout(err error) bool {
	var n net.Error
	return errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) ||
		errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(err, syscall.ETIMEDOUT) || errors.As(err, &n) && n.Timeout()
}

func isReset(err error) bool {
	for _, target := range []error{syscall.ECONNRESET, syscall.ECONNABORTED, syscall.EPIPE, io.EOF, io.ErrUnexpectedEOF, net.ErrClosed, http.ErrServerClosed} {
		if errors.Is(err, target) {
			return true
		}
	}
	return strings.Contains(err.Error(), "server closed idle connection") // net/http keeps the variable to itself
}

func isTLS(err error) bool {
	var record tls.RecordHeaderError
	var alert tls.AlertError
	var verify *tls.CertificateVerificationError
	var unknown x509.UnknownAuthorityError
	var host x509.HostnameError
	var invalid x509.CertificateInvalidError
	return errors.As(err, &record) || errors.As(err, &alert) || errors.As(err, &verify) || errors.As(err, &unknown) ||
		errors.As(err, &host) || errors.As(err, &invalid) || strings.Contains(err.Error(), "tls: ")
}
