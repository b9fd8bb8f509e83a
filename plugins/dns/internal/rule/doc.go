// Package rule says which DNS queries fail, and what their answer is.
package rule
