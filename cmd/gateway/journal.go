package main

import (
	"fmt"
	"os"

	"crosscode/exchange/journal"
)

type journalCommand struct {
	Verify journalVerify `cmd:"" help:"Find any change, cut or reorder of a journal."`
}

type journalVerify struct {
	File string `arg:"" type:"existingfile" help:"The journal; its head is the file beside it that ends in .head."`
	Head string `placeholder:"HEAD" help:"A head that was kept elsewhere, as an earlier run printed it: finds a journal that was cut or rewritten together with the head beside it."`
}

// Run prints what the journal holds, or where its chain breaks.
func (c *journalVerify) Run(std streams) error {
	summary, err := journal.VerifyFile(c.File)
	if err != nil {
		return err
	}
	if c.Head != "" {
		if summary, err = c.against(); err != nil {
			return err
		}
	}
	fmt.Fprintf(std.out, "%s\n", summary)
	return nil
}

// against holds the journal against a head of another day.
func (c *journalVerify) against() (journal.Summary, error) {
	head, err := journal.ParseHead(c.Head)
	if err != nil {
		return journal.Summary{}, fmt.Errorf("--head: %w", err)
	}
	file, err := os.Open(c.File)
	if err != nil {
		return journal.Summary{}, err
	}
	defer file.Close()
	return journal.Verify(file, &head)
}
