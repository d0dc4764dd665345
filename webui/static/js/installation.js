// Which Ruiji this page came from. Another one may answer at the same address by now, and must not get what was meant
// for this one: the id travels with every write, and parts what this browser keeps.

export const INSTALLATION = document.querySelector('meta[name="ruiji-installation"]').content;

// Who is signed in on this page; empty where nobody has to. Another one may be by now, in this browser too.
export const USER = document.querySelector('meta[name="ruiji-user"]')?.content ?? "";
