"""Where the bytes of pictures are read from: folders, wherever this machine has them, and object stores."""
