// Package hongkong is Hong Kong's side: 港康碼, of the Office of the Government Chief Information Officer.
//
//	file             what is in it
//	rulebook.yaml    what makes a code of Hong Kong green, and what Hong Kong asks of those who come; dated
//	consents.yaml    the wordings under which people send their code away from Hong Kong
//	forms.yaml       what Hong Kong wants declared before a packet is made: nothing
//	ports.yaml       the border crossings to Guangdong
//	vocabulary.go    the words that Hong Kong signs
//	side.go          all of this, put together
//
//	log-in     "web", the real-name website
//	colours    green, amber (read as yellow), red; every code ends at 23:59 of its day
//	code       hk-code+jwt, signed by the key "hk"; until 23:59 of the day
//
// The other sides' folders hold the same files. How packets are read and rules decided is in package jurisdictions; this
// package has no logic of its own.
package hongkong
