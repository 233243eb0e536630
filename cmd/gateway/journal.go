package main

import (
	"fmt"

	"crosscode/exchange/journal"
)

type journalCommand struct {
	Verify journalVerify `cmd:"" help:"Find any change, cut or reorder of a journal."`
}

type journalVerify struct {
	File string `arg:"" type:"existingfile" help:"The journal; its head is the file beside it that ends in .head."`
}

// Run prints what the journal holds, or where its chain breaks.
func (c *journalVerify) Run(std streams) error {
	summary, err := journal.VerifyFile(c.File)
	if err != nil {
		return err
	}
	fmt.Fprintf(std.out, "%s\n", summary)
	return nil
}
