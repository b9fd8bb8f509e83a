// Package h1 asks the same HTTP/1.1 request over and over, at little cost to the machine that asks.
package h1
