// made by a build before
