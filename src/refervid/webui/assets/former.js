() => sessionStorage.getItem("refervid")
