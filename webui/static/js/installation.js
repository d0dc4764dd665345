// Which Ruiji this page came from. Another one may answer at the same address by now, and must not get what was meant
// for this one: the id travels with every write, and parts what this browser keeps.

export const INSTALLATION = document.querySelector('meta[name="ruiji-installation"]').content;
