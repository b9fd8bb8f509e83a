// Package fis makes scenarios of experiment templates of the AWS Fault Injection Service.
package fis
