// The users page: people and their roles, tokens of programs, and what was done, each in a part of its own.

import { audit } from "./audit.js";
import { people } from "./people.js";
import { tokens } from "./tokens.js";

const log = audit();
const programs = tokens({ changed: log.again });
// Who is shut out loses their tokens.
people({ changed: () => { log.again(); programs.again(); }, known: programs.owners });
