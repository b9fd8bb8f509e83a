// Package shop is the order service: it says that it has taken an order once the store has it, and says honestly when it cannot.
package shop
