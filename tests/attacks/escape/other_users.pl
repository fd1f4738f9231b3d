# attack: privileges of others, by asking the kernel for them: users, groups, limits
# stopped by: no capability
# expect: ok
use POSIX ();

my $held = 0;
for my $id (0, 1, 65534) {
    ($<, $>) = ($id, $id);
    print "ESCAPED: user $id\n" if $< == $id or $> == $id;
    ($(, $)) = ($id, "$id $id");
    print "ESCAPED: group $id\n" if $( == $id;
    print "ESCAPED: setuid $id\n" if POSIX::setuid($id);
    print "ESCAPED: setgid $id\n" if POSIX::setgid($id);
    $held++;
}
print "ESCAPED: a file of root\n" if chown 0, 0, "/tmp";
print "ESCAPED: another root\n" if chroot "/tmp";
print "HELD: $held users are others\n";
