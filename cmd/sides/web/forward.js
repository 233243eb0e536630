// Sends the packet on at once. It runs before the page has loaded, so that the gateway's page takes this page's place in
// the history and «back» leads to the form, not to a packet that has been used. Without it there is the button.
document.getElementById('forward').requestSubmit();
