// Package macau is Macau's side: 澳門健康碼, of the Macau Health Bureau (SSM).
//
//	file             what is in it
//	rulebook.yaml    what makes a code of Macau green, and what Macau asks of those who come; dated
//	consents.yaml    the wordings under which people send their code away from Macau
//	forms.yaml       what Macau wants declared: the entry form with its three questions
//	ports.yaml       the border crossings to Hong Kong
//	vocabulary.go    the words that Macau signs
//	side.go          all of this, put together
//
//	log-in     "web", the health code page with its button 下載個人資料申請粵康碼
//	colours    green, yellow, red; green with sub-code g28 after a mixed-pool positive
//	code       mo-code+jwt, signed by the key "mo"; 24 hours at most
//
// The other sides' folders hold the same files. How packets are read and rules decided is in package jurisdictions; this
// package has no logic of its own.
package macau
