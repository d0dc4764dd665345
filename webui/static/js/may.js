// What the visitor may do: the operations of the API, by name, that the server's table of rules gives to their role.

const MAY = new Set(document.documentElement.dataset.may.split(" "));

export const may = (...operations) => operations.every((name) => MAY.has(name));

/** For the class of a control: out of sight where the server would refuse what it does. */
export const refused = (...operations) => (may(...operations) ? "" : " refused");

/** Said where something comes in that no control asks for, as a picture that is dropped. */
export const NOT_YOURS = "You may look here. To label, ask an admin for the role of a labeller.";
