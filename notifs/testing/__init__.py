"""For those who write another client or server of `/notifs`: the client's rule, and checks that anybody can run."""
